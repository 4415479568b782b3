import { expect, test } from "vitest";
import { ERRCODES, errors, matrixError } from "../../src/protocol/errors.ts";
import {
  DEFAULT_ROOM_VERSION,
  ROOM_VERSION_IDS,
  roomVersion,
  type RoomVersion,
} from "../../src/protocol/room-versions.ts";

/** For every flag, the versions in which it differs from the version before. */
const CHANGES: Partial<Record<keyof RoomVersion, string[]>> = {
  stateResolution: ["2", "12"],
  eventIdFormat: ["3", "4"],
  referencesArePairs: ["3"],
  eventIdServerMustSign: ["3"],
  redactionAuthRule: ["3"],
  enforceKeyValidity: ["5"],
  keysAreBytes: ["11"],
  strictCanonicalJson: ["6"],
  aliasesRule: ["6"],
  notificationLevelsChecked: ["6"],
  redaction: ["6", "8", "9", "11"],
  knock: ["7"],
  restrictedJoins: ["8"],
  integerPowerLevels: ["10"],
  knockRestricted: ["10"],
  creatorInContent: ["11"],
  redactsInContent: ["11"],
  roomIdIsCreateHash: ["12"],
  privilegedCreators: ["12"],
  createInAuthEvents: ["12"],
  invitesShowPdus: ["12"],
};

test("there are the versions 1 to 12, and 12 is the one for new rooms", () => {
  expect(ROOM_VERSION_IDS).toEqual(Array.from({ length: 12 }, (_, index) => String(index + 1)));
  expect(roomVersion(DEFAULT_ROOM_VERSION)?.id).toBe("12");
  for (const unknown of ["0", "13", "", "org.example", "__proto__"]) {
    expect(roomVersion(unknown)).toBeUndefined();
  }
});

test("each version differs from the one before in what the specification says and nothing else", () => {
  const found: Record<string, string[]> = {};
  for (const [index, id] of ROOM_VERSION_IDS.entries()) {
    const before = roomVersion(ROOM_VERSION_IDS[index - 1] ?? id) as RoomVersion;
    const version = roomVersion(id) as RoomVersion;
    for (const flag of Object.keys(version) as (keyof RoomVersion)[]) {
      if (flag !== "id" && version[flag] !== before[flag]) (found[flag] ??= []).push(id);
    }
  }
  expect(found).toEqual(CHANGES);
});

test("every error code has a status of the 4xx or 5xx range, and becomes a body", () => {
  for (const [errcode, status] of Object.entries(ERRCODES)) {
    expect(errcode).toMatch(/^(IO\.ELEMENT\.MSC\d+\.)?M_[A-Z_]+$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  }
  expect(errors.limitExceeded(1500.2).toJSON()).toEqual({
    errcode: "M_LIMIT_EXCEEDED",
    error: "Too many requests",
    retry_after_ms: 1501,
  });
  expect(errors.unknownToken(undefined, true).extra).toEqual({ soft_logout: true });
  expect(errors.methodNotAllowed().status).toBe(405);
  expect(matrixError("M_TOO_LARGE", "x").status).toBe(413);
});
