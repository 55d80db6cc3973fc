/**
 * `anvil.FileLoader`: takes files from the person, by choosing or by dropping. Nothing is read of
 * them until Python asks for the bytes, or sends them to the server (in pieces).
 */

import { method, pyError, pyList, pyNone, type PyObject } from "../engine/skulpt";
import { makeBlobMedia } from "../python/blob";
import {
  boolProperty,
  defineComponent,
  isOn,
  jsValueOf,
  property,
  textProperty,
  type Classic,
  type Property,
} from "./classic/classic";
import { focusMethod } from "./classic/control";
import {
  alignProperty,
  appearanceGroup,
  fontGroup,
  iconGroup,
  layoutGroup,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { iconElements, showIcon } from "./classic/icons";
import { cls, toggle } from "./classic/theme";
import { dispatch } from "./core/events";

const inputOf = (self: Classic): HTMLInputElement => self.parts$.control as HTMLInputElement;
const filesOf = (self: Classic): PyObject[] => (self.files$ ?? []) as PyObject[];

/** The text of the button: its own, or how many files there are. */
function showText(self: Classic): void {
  const count = filesOf(self).length;
  const own = String(jsValueOf(self, "text") ?? "");
  const state = `${count} file${count === 1 ? "" : "s"} selected`;
  const text = count > 0 && isOn(self, "show_state") ? state : own;
  toggle(self.root$, "has-text", text !== "");
  self.parts$.text!.textContent = text;
}

function take(self: Classic, files: File[]): void {
  self.files$ = files.map((file) => makeBlobMedia(file));
  showText(self);
  const details = { file: filesOf(self)[0] ?? pyNone, files: pyList(filesOf(self)) };
  dispatch(self, "change", details, "files");
}

/** Whether `file_types` lets a dropped file in; the browser's own dialogue sees to chosen ones. */
function isAccepted(self: Classic, file: File): boolean {
  const accepted = inputOf(self)
    .accept.split(",")
    .map((one) => one.trim().toLowerCase())
    .filter(Boolean);
  const type = file.type.toLowerCase();
  return (
    accepted.length === 0 ||
    accepted.some((one) => {
      if (one.startsWith(".")) return file.name.toLowerCase().endsWith(one);
      return one.endsWith("/*") ? type.startsWith(one.slice(0, -1)) : type === one;
    })
  );
}

function listenToDrops(self: Classic): void {
  const root = self.root$;
  const showOver = (isOver: boolean): void => toggle(root, "file-loader-over", isOver);
  const isOpen = (event: DragEvent): boolean =>
    !inputOf(self).disabled && Boolean(event.dataTransfer?.types.includes("Files"));
  root.addEventListener("dragover", (event) => {
    if (!isOpen(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = "copy";
    showOver(true);
  });
  root.addEventListener("dragleave", () => showOver(false));
  root.addEventListener("drop", (event) => {
    showOver(false);
    if (!isOpen(event)) return;
    event.preventDefault();
    const dropped = [...event.dataTransfer!.files].filter((file) => isAccepted(self, file));
    const files = inputOf(self).multiple ? dropped : dropped.slice(0, 1);
    if (files.length === 0) return;
    inputOf(self).value = "";
    take(self, files);
  });
}

const readOnly = (name: string, read: (self: Classic) => PyObject): Property =>
  property(name, "object", null, undefined, {
    read,
    take() {
      throw pyError("AttributeError", `FileLoader.${name} is read-only: the person chooses files`);
    },
  });

export const FileLoader = defineComponent({
  name: "FileLoader",
  events: ["change", "focus", "lost_focus"],
  properties: [
    textProperty("text", "Upload", showText),
    boolProperty("show_state", true, showText),
    boolProperty("multiple", false, (self, isMultiple) => {
      inputOf(self).multiple = isMultiple;
    }),
    textProperty("file_types", "", (self, types) => {
      inputOf(self).accept = types;
    }),
    readOnly("file", (self) => filesOf(self)[0] ?? pyNone),
    readOnly("files", (self) => pyList([...filesOf(self)])),
    alignProperty("center"),
    ...fontGroup("label"),
    ...iconGroup().map((one) =>
      one.name === "icon" ? textProperty("icon", "fa:upload", showIcon, "icon") : one,
    ),
    ...appearanceGroup("label"),
    textProperty("border", "", (self, border) => {
      self.parts$.label!.style.border = border;
    }),
    boolProperty("enabled", true, (self, isEnabled) => {
      inputOf(self).disabled = !isEnabled;
      self.root$.classList.toggle("anvil-disabled", !isEnabled);
    }),
    ...spacingGroup("label"),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = cls("file-loader");
    const label = document.createElement("label");
    label.className = "anvil-inlinable";
    const text = document.createElement("span");
    text.className = cls("label-text");
    const control = document.createElement("input");
    control.type = "file";
    control.className = cls("file-upload", "to-disable");
    const icons = iconElements(self);
    label.append(icons.left, text, icons.right, control);
    root.append(label);
    Object.assign(self.parts$, { label, text, control });
    return root;
  },
  ready(self) {
    const input = inputOf(self);
    input.addEventListener("change", () => take(self, [...(input.files ?? [])]));
    input.addEventListener("focus", () => dispatch(self, "focus"));
    input.addEventListener("blur", () => dispatch(self, "lost_focus"));
    self.parts$.label!.addEventListener("click", (event) => event.stopPropagation());
    listenToDrops(self);
  },
  methods: {
    focus: focusMethod,
    clear: method<Classic>([], function () {
      inputOf(this).value = "";
      this.files$ = [];
      showText(this);
      return pyNone;
    }),
    open_file_selector: method<Classic>([], function () {
      inputOf(this).click();
      return pyNone;
    }),
  },
});
