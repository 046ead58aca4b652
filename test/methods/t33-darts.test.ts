import { checkMethod } from "../support/methods/check.js";
import { dartsCells } from "./t33-darts.js";

checkMethod(dartsCells);
