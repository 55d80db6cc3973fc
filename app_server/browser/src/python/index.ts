/** The Python modules that are written in TypeScript. */

import { registerAnvilModule } from "./anvil";
import { registerBlobModule } from "./blob";
import { registerJsModule } from "./js";
import { registerNetModule } from "./net";
import { registerRpcModule } from "./rpc";
import { registerStandardModules } from "./standard";

export function registerNativeModules(): void {
  registerStandardModules();
  registerBlobModule();
  registerRpcModule();
  registerNetModule();
  registerAnvilModule();
  registerJsModule();
}
