try { var theme = localStorage.getItem("pitfalls-theme"); if (theme) document.documentElement.dataset.theme = theme; } catch (e) {}
