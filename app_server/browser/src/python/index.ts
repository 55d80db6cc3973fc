/** The Python modules that are written in TypeScript. */

import { registerAnvilModule } from "./anvil";
import { registerBlobModule } from "./blob";
import { registerJsModule } from "./js";
import { registerRpcModule } from "./rpc";
import { registerStandardModules } from "./standard";

export function registerNativeModules(): void {
  registerStandardModules();
  registerBlobModule();
  registerRpcModule();
  registerAnvilModule();
  registerJsModule();
}
