import type { TemplateResult } from "lit";
import arrowDown from "lucide-static/icons/arrow-down.svg?raw";
import arrowLeft from "lucide-static/icons/arrow-left.svg?raw";
import ban from "lucide-static/icons/ban.svg?raw";
import check from "lucide-static/icons/check.svg?raw";
import alert from "lucide-static/icons/circle-alert.svg?raw";
import ok from "lucide-static/icons/circle-check.svg?raw";
import compass from "lucide-static/icons/compass.svg?raw";
import copy from "lucide-static/icons/copy.svg?raw";
import keyboard from "lucide-static/icons/keyboard.svg?raw";
import leave from "lucide-static/icons/door-open.svg?raw";
import download from "lucide-static/icons/download.svg?raw";
import more from "lucide-static/icons/ellipsis-vertical.svg?raw";
import eyeOff from "lucide-static/icons/eye-off.svg?raw";
import eye from "lucide-static/icons/eye.svg?raw";
import file from "lucide-static/icons/file.svg?raw";
import flag from "lucide-static/icons/flag.svg?raw";
import globe from "lucide-static/icons/globe.svg?raw";
import hash from "lucide-static/icons/hash.svg?raw";
import link from "lucide-static/icons/link.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import logOut from "lucide-static/icons/log-out.svg?raw";
import message from "lucide-static/icons/message-circle.svg?raw";
import music from "lucide-static/icons/music.svg?raw";
import paperclip from "lucide-static/icons/paperclip.svg?raw";
import pencil from "lucide-static/icons/pencil.svg?raw";
import plus from "lucide-static/icons/plus.svg?raw";
import reply from "lucide-static/icons/reply.svg?raw";
import retry from "lucide-static/icons/rotate-cw.svg?raw";
import search from "lucide-static/icons/search.svg?raw";
import send from "lucide-static/icons/send.svg?raw";
import settings from "lucide-static/icons/settings.svg?raw";
import react from "lucide-static/icons/smile-plus.svg?raw";
import smile from "lucide-static/icons/smile.svg?raw";
import star from "lucide-static/icons/star.svg?raw";
import theme from "lucide-static/icons/sun-moon.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import userPlus from "lucide-static/icons/user-plus.svg?raw";
import user from "lucide-static/icons/user.svg?raw";
import users from "lucide-static/icons/users.svg?raw";
import offline from "lucide-static/icons/wifi-off.svg?raw";
import device from "lucide-static/icons/monitor-smartphone.svg?raw";
import key from "lucide-static/icons/key-round.svg?raw";
import lockOpen from "lucide-static/icons/lock-open.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import scan from "lucide-static/icons/scan-qr-code.svg?raw";
import shield from "lucide-static/icons/shield.svg?raw";
import shieldAlert from "lucide-static/icons/shield-alert.svg?raw";
import shieldCheck from "lucide-static/icons/shield-check.svg?raw";
import format from "lucide-static/icons/type.svg?raw";
import mic from "lucide-static/icons/mic.svg?raw";
import poll from "lucide-static/icons/chart-bar.svg?raw";
import sticker from "lucide-static/icons/sticker.svg?raw";
import play from "lucide-static/icons/play.svg?raw";
import pause from "lucide-static/icons/pause.svg?raw";
import stop from "lucide-static/icons/square.svg?raw";
import place from "lucide-static/icons/map-pin.svg?raw";
import close from "lucide-static/icons/x.svg?raw";
import arrowUp from "lucide-static/icons/arrow-up.svg?raw";
import bell from "lucide-static/icons/bell.svg?raw";
import bellOff from "lucide-static/icons/bell-off.svg?raw";
import chevronDown from "lucide-static/icons/chevron-down.svg?raw";
import chevronRight from "lucide-static/icons/chevron-right.svg?raw";
import clock from "lucide-static/icons/clock.svg?raw";
import crown from "lucide-static/icons/crown.svg?raw";
import demote from "lucide-static/icons/arrow-down-to-line.svg?raw";
import grid from "lucide-static/icons/layout-grid.svg?raw";
import hand from "lucide-static/icons/hand.svg?raw";
import home from "lucide-static/icons/house.svg?raw";
import mail from "lucide-static/icons/mail.svg?raw";
import mailOpen from "lucide-static/icons/mail-open.svg?raw";
import sliders from "lucide-static/icons/sliders-horizontal.svg?raw";
import tag from "lucide-static/icons/tag.svg?raw";
import userX from "lucide-static/icons/user-round-x.svg?raw";
import calendar from "lucide-static/icons/calendar-search.svg?raw";
import chevronLeft from "lucide-static/icons/chevron-left.svg?raw";
import source from "lucide-static/icons/braces.svg?raw";
import forward from "lucide-static/icons/forward.svg?raw";
import film from "lucide-static/icons/film.svg?raw";
import image from "lucide-static/icons/image.svg?raw";
import info from "lucide-static/icons/info.svg?raw";
import past from "lucide-static/icons/history.svg?raw";
import pin from "lucide-static/icons/pin.svg?raw";
import pinOff from "lucide-static/icons/pin-off.svg?raw";
import thread from "lucide-static/icons/message-square-text.svg?raw";
import zoomIn from "lucide-static/icons/zoom-in.svg?raw";
import zoomOut from "lucide-static/icons/zoom-out.svg?raw";
import fileDown from "lucide-static/icons/file-down.svg?raw";
import { drawing } from "./drawing.ts";

const ICONS = {
  format,
  mic,
  poll,
  sticker,
  play,
  pause,
  stop,
  place,
  alert,
  arrowDown,
  arrowLeft,
  arrowUp,
  ban,
  bell,
  bellOff,
  calendar,
  check,
  chevronDown,
  chevronLeft,
  chevronRight,
  clock,
  close,
  compass,
  copy,
  crown,
  demote,
  device,
  download,
  eye,
  eyeOff,
  file,
  fileDown,
  film,
  flag,
  forward,
  globe,
  grid,
  hand,
  hash,
  home,
  image,
  info,
  key,
  keyboard,
  leave,
  link,
  lock,
  lockOpen,
  logOut,
  mail,
  mailOpen,
  message,
  more,
  music,
  offline,
  ok,
  paperclip,
  past,
  pencil,
  pin,
  pinOff,
  plus,
  printer,
  react,
  reply,
  retry,
  scan,
  search,
  send,
  settings,
  shield,
  shieldAlert,
  shieldCheck,
  sliders,
  smile,
  source,
  star,
  tag,
  theme,
  thread,
  trash,
  user,
  userPlus,
  users,
  userX,
  zoomIn,
  zoomOut,
};

export type IconName = keyof typeof ICONS;

/** A drawing from Lucide, for the eye only: what it means is said by the label beside it. Style with `.icon`. */
export function icon(name: IconName): TemplateResult {
  return drawing(ICONS[name]);
}
