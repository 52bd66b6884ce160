import { startSwap } from "./swap.js";
import { startDialogs } from "./dialog.js";
import { startTables } from "./table.js";
import { startCopy } from "./copy.js";
import { startTimes } from "./time.js";
import { startLive } from "./live.js";
import { startPalette } from "./palette.js";

document.documentElement.classList.add("scripted");
startSwap();
startDialogs();
startTables();
startCopy();
startTimes();
startLive();
startPalette();
document.querySelector("[data-take-focus]")?.focus();
