/** The name of the database of a device's search index. */
export const indexName = (userId: string, deviceId: string): string =>
  `weft index ${userId} ${deviceId}`;
