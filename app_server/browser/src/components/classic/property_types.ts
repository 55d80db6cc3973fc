/** Types of properties, as Anvil names them. */

export const PROPERTY_TYPES: ReadonlySet<string> = new Set(
  (
    "string number boolean text[] classes style enum form object dict color icon themeRole uri " +
    "html recordType margin padding spacing"
  ).split(" "),
);
