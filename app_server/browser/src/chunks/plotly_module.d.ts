/** What of Plotly the runtime uses; see https://plotly.com/javascript/plotlyjs-function-reference/ */
declare module "plotly.js-basic-dist-min" {
  export interface PlotlyModule {
    react(element: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
    relayout(element: HTMLElement, update: unknown): Promise<unknown>;
    restyle(element: HTMLElement, update: unknown, traces?: number[]): Promise<unknown>;
    extendTraces(
      element: HTMLElement,
      update: unknown,
      traces: number[],
      maxPoints?: number,
    ): Promise<unknown>;
    toImage(element: HTMLElement, options: unknown): Promise<string>;
    prependTraces(
      element: HTMLElement,
      update: unknown,
      traces: number[],
      maxPoints?: number,
    ): Promise<unknown>;
    addFrames(element: HTMLElement, frames: unknown): Promise<unknown>;
    purge(element: HTMLElement): void;
    Plots: { resize(element: HTMLElement): Promise<unknown> };
  }
  const Plotly: PlotlyModule;
  export default Plotly;
}

declare module "plotly.js-dist-min" {
  export { default } from "plotly.js-basic-dist-min";
}
