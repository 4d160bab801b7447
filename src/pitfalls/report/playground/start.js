// What the page offers to a reader's console, and to the tests.

import { readData } from "./data.js";
import { dataProblem, descentStep, endToEnd, makeDescent, modesProblem, modeStrength, torchLayers, watch } from "./linear.js";
import { startOf } from "./linear_lab.js";
import { mount } from "./main.js";
import { batchInputs, exactNetwork, fromFlat, initialNetwork, makeTrainer, measure, toFlat, trainStep } from "./parity.js";
import { inputKey } from "./random.js";
import { readAddress, writeAddress } from "./state.js";

const host = document.getElementById("playground");
if (host) {
  globalThis.pitfallsPlayground = {
    ...mount(host),
    mathematics: { batchInputs, exactNetwork, fromFlat, initialNetwork, inputKey, makeTrainer, measure, toFlat, trainStep,
      dataProblem, descentStep, endToEnd, makeDescent, modesProblem, modeStrength, readData, startOf, torchLayers, watch },
    address: { readAddress, writeAddress },
  };
}
