/** What a form keeps beside what its container or layout base keeps. */

import type { PyObject } from "../engine/skulpt";
import type { Component } from "../components/core/types";
import type { WithNodes } from "../components/html_component";
import type { FormTemplate } from "../templates/shape";
import type { Slot } from "./slots";

export interface FormState {
  template: FormTemplate;
  components: Map<string, Component>;
  slots: Map<string, Slot>;
  /** Components with HTML of this form's template: their named elements are the form's. */
  htmlComponents: WithNodes[];
  domNodes: PyObject | null;
  item: PyObject | null;
  customProperties: Map<string, PyObject>;
  /** False while the constructor sets properties one by one: it refreshes once, at the end. */
  refreshesOnItem: boolean;
  stopLayoutWriteBack: (() => void) | null;
}

export interface Form extends Component {
  form$: FormState;
}

export const isForm = (value: unknown): value is Form =>
  Boolean((value as Form | undefined)?.form$);

export const newFormState = (template: FormTemplate): FormState => ({
  template,
  components: new Map(),
  slots: new Map(),
  htmlComponents: [],
  domNodes: null,
  item: null,
  customProperties: new Map(),
  refreshesOnItem: true,
  stopLayoutWriteBack: null,
});
