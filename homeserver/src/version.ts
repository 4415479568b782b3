/** Weft's version, as administrators and other servers are told it. */
export const VERSION = "0.1.0";
