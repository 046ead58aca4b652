import { checkMethod } from "../support/methods/check.js";
import { quickNetMethod } from "./t39-quicknet.js";

checkMethod(quickNetMethod);
