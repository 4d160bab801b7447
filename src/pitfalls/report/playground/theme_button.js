// On a page of its own: the button between the light and the dark page.

const chosenTheme = document.documentElement.dataset;
const themeChoice = document.getElementById("theme");
const isDarkPage = () => (chosenTheme.theme ? chosenTheme.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
const nameTheme = () => { themeChoice.textContent = isDarkPage() ? "Light page" : "Dark page"; };
themeChoice.addEventListener("click", () => {
  chosenTheme.theme = isDarkPage() ? "light" : "dark";
  try { localStorage.setItem("pitfalls-theme", chosenTheme.theme); } catch { /* a file without storage */ }
  nameTheme();
});
themeChoice.parentElement.hidden = false;
nameTheme();
