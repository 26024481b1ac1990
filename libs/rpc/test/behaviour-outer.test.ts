import { describeBehaviour } from "./behaviour.ts";
import { outerWays } from "./ways.ts";

outerWays.forEach(describeBehaviour);
