import type { Scope } from "../sections/scope.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { OwnReceiptAt } from "./own-receipts.ts";
import type { SlidingBody } from "./request.ts";
import type { Grounds } from "./windows.ts";

/** One computation: for whom, from where to where, and what is wanted. */
export interface SlidingScope {
  readonly scope: Scope;
  readonly body: SlidingBody;
  readonly grounds: Grounds;
  readonly state: ConnectionState;
  readonly ownReceiptAt: OwnReceiptAt;
}
