export { createGiveWay, giveWay } from "./give-way.ts";
