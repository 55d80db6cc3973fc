/** Events of a chart, as Anvil names them. */

import { toPy, type PyObject } from "../engine/skulpt";
import { dispatch } from "./core/events";
import type { Component } from "./core/types";

/** A chart's element: Plotly adds `on` to it. */
export interface ChartElement extends HTMLElement {
  on?(event: string, handler: (data?: { points?: Record<string, unknown>[] }) => unknown): void;
}

const EVENTS: Record<string, string> = {
  plotly_click: "click",
  plotly_doubleclick: "double_click",
  plotly_selected: "select",
  plotly_deselect: "deselect",
  plotly_hover: "hover",
  plotly_unhover: "unhover",
  plotly_afterplot: "afterplot",
};
const WITH_POINTS = ["click", "select", "hover", "unhover"];

export const PLOT_EVENTS = Object.values(EVENTS);

/** Members of a point that Python gets, by their names in Plotly. */
const MEMBERS: Record<string, string> = {
  curveNumber: "curve_number",
  pointNumber: "point_number",
  pointNumbers: "point_numbers",
  x: "x",
  y: "y",
  label: "label",
  value: "value",
};

const pointsOf = (points: Record<string, unknown>[] = []): PyObject =>
  toPy(
    points.map((point) =>
      Object.fromEntries(
        Object.entries(MEMBERS)
          .filter(([name]) => point[name] !== undefined)
          .map(([name, pyName]) => [pyName, point[name]]),
      ),
    ),
  );

export function listenToChart(self: Component, element: ChartElement): void {
  for (const [name, event] of Object.entries(EVENTS)) {
    element.on!(name, (data) => {
      const details = WITH_POINTS.includes(event) ? { points: pointsOf(data?.points) } : {};
      dispatch(self, event, details as Record<string, PyObject>);
      return false;
    });
  }
}
