import { checkMethod } from "../support/methods/check.js";
import { mobileNets } from "./t34-mobile.js";

checkMethod(mobileNets);
