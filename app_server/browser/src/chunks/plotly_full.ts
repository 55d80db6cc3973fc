/** All of Plotly, for the kinds of trace that its basic bundle does not have. */

import Plotly from "plotly.js-dist-min";

export { Plotly };
