import { checkMethod } from "../support/methods/check.js";
import { trainedTernary } from "./t40-ttq.js";

checkMethod(trainedTernary);
