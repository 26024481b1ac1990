export { createGiveWay } from "@quartet/turns";
