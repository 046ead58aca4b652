import { checkMethod } from "../support/methods/check.js";
import { searchedWidths } from "./t31-widths.js";

checkMethod(searchedWidths);
