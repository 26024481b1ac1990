import { describeBehaviour } from "./behaviour.ts";
import { innerWays } from "./ways.ts";

innerWays.forEach(describeBehaviour);
