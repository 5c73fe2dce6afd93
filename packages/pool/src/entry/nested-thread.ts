// Required first in every thread that a thread of a pool starts: its built-ins are its own, so the ban is too.
import { banSpawning } from "./ban-spawning.ts";

banSpawning();
