import { checkMethod } from "../support/methods/check.js";
import { reactNetMethod } from "./t38-reactnet.js";

checkMethod(reactNetMethod);
