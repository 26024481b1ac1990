export { turnsEnd } from "./turns-end.ts";
export { beginTurn, createGiveWay, giveWay } from "./give-way.ts";
