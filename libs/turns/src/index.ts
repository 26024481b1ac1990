export { beginTurn, createGiveWay, giveWay } from "./give-way.ts";
