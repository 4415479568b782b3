import { atom } from "nanostores";

export type Route =
  | { page: "home" }
  | { page: "sign-in" }
  | { page: "register" }
  | { page: "room"; room: string; eventId?: string; via: string[] }
  | { page: "room-settings"; room: string; section: string }
  | { page: "directory" }
  | { page: "settings"; section: string }
  | AdminRoute;

/** A place in the administration: its sections and what is chosen in them, and how a list there is searched. */
export interface AdminRoute {
  page: "admin";
  path: readonly string[];
  query?: Readonly<Record<string, string>>;
}

/** Reads the part of the address after "#". Unknown places lead home. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/").map((part) => safeDecode(part));
  switch (page) {
    case "sign-in":
    case "register":
    case "directory":
      return { page };
    case "settings":
      return { page, section: rest[0] ?? "profile" };
    case "room-settings":
      return rest[0] ? { page, room: rest[0], section: rest[1] ?? "general" } : { page: "home" };
    case "admin":
      return {
        page,
        path: rest.filter((part) => part !== ""),
        query: Object.fromEntries(new URLSearchParams(query)),
      };
    case "room": {
      const via = new URLSearchParams(query).getAll("via");
      const [room, eventId] = rest;
      if (!room) return { page: "home" };
      return eventId ? { page, room, eventId, via } : { page, room, via };
    }
    default:
      return { page: "home" };
  }
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place within the client. */
export function hrefTo(route: Route): string {
  switch (route.page) {
    case "room": {
      const event = route.eventId === undefined ? "" : `/${encodeURIComponent(route.eventId)}`;
      const via = route.via.map((server) => `via=${encodeURIComponent(server)}`).join("&");
      return `#/room/${encodeURIComponent(route.room)}${event}${via === "" ? "" : `?${via}`}`;
    }
    case "room-settings":
      return `#/room-settings/${encodeURIComponent(route.room)}/${route.section}`;
    case "settings":
      return `#/settings/${route.section}`;
    case "admin": {
      const query = new URLSearchParams(route.query).toString();
      const path = ["admin", ...route.path].map((part) => encodeURIComponent(part)).join("/");
      return `#/${path}${query === "" ? "" : `?${query}`}`;
    }
    case "home":
      return "#/";
    default:
      return `#/${route.page}`;
  }
}

export function hrefToRoom(room: string, via: string[] = []): string {
  return hrefTo({ page: "room", room, via });
}

export const $route = atom<Route>(parseRoute(typeof location === "undefined" ? "" : location.hash));

/** Keeps `$route` in step with the address; answers the function that ends it. */
export function followAddress(): () => void {
  const read = (): void => $route.set(parseRoute(location.hash));
  window.addEventListener("hashchange", read);
  read();
  return () => window.removeEventListener("hashchange", read);
}

export function navigate(route: Route, replace = false): void {
  const href = hrefTo(route);
  if (!replace) location.hash = href;
  else {
    history.replaceState(null, "", href);
    $route.set(parseRoute(location.hash));
  }
}
