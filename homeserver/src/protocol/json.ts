/** JSON as the protocol knows it: values, strict and loose reading, canonical writing. */
export {
  forbiddenIn,
  isInteger,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  MAX_NESTING,
  numberOf,
  type RawNumber,
} from "./json-value.ts";
export { decodeUtf8, parseLoose, parseStrict, parseWithFractions } from "./json-parse.ts";
export {
  canonicalJson,
  canonicalJsonLoose,
  compareCodePoints,
  jsonText,
  sortedKeys,
} from "./canonical-json.ts";
