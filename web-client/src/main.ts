import { startAccount } from "./store/account.ts";
import { followAddress } from "./store/router.ts";
import { applyTheme } from "./store/theme.ts";
import "./pages/app.ts";

applyTheme();
followAddress();
startAccount();
