/** The JSON of a form's template; written by app_server/templates (see its shape.py). */

export interface DataBinding {
  property: string;
  code: string;
  writeback?: boolean;
  /** The code is `target = expression`: it assigns to both. */
  chained?: boolean;
}

interface Described {
  type: string;
  line?: number;
  properties?: Record<string, unknown>;
  layout_properties?: Record<string, unknown>;
  event_bindings?: Record<string, string>;
  data_bindings?: DataBinding[];
}

export interface ComponentTemplate extends Described {
  name: string;
  components?: ComponentTemplate[];
}

export interface LayoutTemplate extends Described {
  form_event_bindings?: Record<string, string>;
}

export interface SlotTemplate {
  target: { type: "container" | "slot"; name: string };
  index: number;
  set_layout_properties: Record<string, unknown>;
  one_component?: boolean;
}

export interface CustomProperty {
  name: string;
  type?: string;
  default_value?: unknown;
  binding_writeback_events?: string[];
}

export interface FormTemplate {
  /** Qualified: package, then the form's path. */
  name: string;
  custom_component?: boolean;
  custom_component_container?: boolean;
  properties?: CustomProperty[];
  events?: { name: string }[];
  container?: Described;
  components?: ComponentTemplate[];
  layout?: LayoutTemplate;
  components_by_slot?: Record<string, ComponentTemplate[]>;
  slots?: Record<string, SlotTemplate>;
  /** Faults found when the template was read; the form cannot be opened. */
  error?: string[];
  /** What is wrong in the template, but does not keep the form from being opened. */
  warnings?: string[];
}

/** Every component of a template, parents before children. */
export function walkComponents(template: FormTemplate): ComponentTemplate[] {
  const roots = [
    ...(template.components ?? []),
    ...Object.values(template.components_by_slot ?? {}).flat(),
  ];
  const walk = (component: ComponentTemplate): ComponentTemplate[] => [
    component,
    ...(component.components ?? []).flatMap(walk),
  ];
  return roots.flatMap(walk);
}

/** The last part of a dotted name. */
export const leafOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
export const packageOf = (name: string): string => name.split(".", 1)[0]!;

/** Custom properties and events are for forms that others use: components and layouts. */
export const hasOwnInterface = (template: FormTemplate): boolean =>
  Boolean(template.custom_component) || template.slots !== undefined;
