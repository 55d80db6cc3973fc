/** Plotly's basic bundle: bars, lines, scatter and pie. */

// It hangs itself onto `module.exports`, which the build turns into the default export.
import Plotly from "plotly.js-basic-dist-min";

export { Plotly };
