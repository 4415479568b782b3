import { startAccount } from "./store/account.ts";
import { followAddress, navigate } from "./store/router.ts";
import { applyTheme } from "./store/theme.ts";
import "./pages/app.ts";

// After an update of the server the parts of the old page are gone: begin anew, once.
window.addEventListener("vite:preloadError", (event) => {
  if (sessionStorage.getItem("weft.reloaded") !== null) return;
  sessionStorage.setItem("weft.reloaded", "1");
  event.preventDefault();
  location.reload();
});

// An invitation link leads to the place where its token is used.
const invited = new URLSearchParams(location.search).has("registration_token");
if (invited && location.hash === "") navigate({ page: "register" }, true);

applyTheme();
followAddress();
startAccount();
