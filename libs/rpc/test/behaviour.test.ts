import { describeBehaviour } from "./behaviour.ts";
import { ways } from "./ways.ts";

ways.forEach(describeBehaviour);
