import type { Task } from "../task.ts";
import type { PoolWorker } from "../worker/pool-worker.ts";
import { isBefore } from "./rank-heap.ts";
import { Room } from "./room.ts";
import { TaskQueue } from "./task-queue.ts";

/** Tasks that wait: those that any worker may do, and for each seat those that a key ties to whoever sits there. */
export class Backlog {
  readonly #free = new TaskQueue<Task>();
  readonly #tied: TaskQueue<Task>[];
  #tiedSize = 0;

  readonly #maxTasks: number;
  readonly room: Room;

  constructor(seats: number, maxTasks: number) {
    this.#maxTasks = maxTasks;
    this.room = new Room(() => this.size * 2 <= maxTasks);
    this.#tied = Array.from({ length: seats }, () => new TaskQueue());
  }

  get size(): number {
    return this.#free.size + this.#tiedSize;
  }

  get isFull(): boolean {
    return this.size >= this.#maxTasks;
  }

  push(task: Task): void {
    if (task.seat >= 0) this.#tiedSize += 1;
    this.#queueOf(task).push(task);
  }

  /** Takes a task back that had been sent; it goes before all that came later. */
  putBack(task: Task): void {
    if (task.seat >= 0) this.#tiedSize += 1;
    this.#queueOf(task).putBack(task);
  }

  /** To be called once for a task that waits here and is not wanted any more. */
  noteUnwanted(task: Task): void {
    if (task.seat >= 0) this.#tiedSize -= 1;
    this.#queueOf(task).noteUnwanted();
    this.room.look();
  }

  /** Sends one task after the other, each to the worker that is found for it, until there is none. */
  pump(workerFor: (task: Task) => PoolWorker | null, send: (worker: PoolWorker, task: Task) => void): void {
    for (let progress = true; progress;) {
      progress = this.#tiedSize > 0 && this.#pumpTied(workerFor, send);
      const next = this.#free.peek();
      const worker = next === undefined ? null : workerFor(next);
      if (worker === null) continue;
      send(worker, this.#free.pop() as Task);
      progress = true;
    }
    this.room.look();
  }

  /** Takes all. */
  drain(): Task[] {
    const all = [this.#free, ...this.#tied].flatMap((queue) => [...queue.drain()]);
    this.#tiedSize = 0;
    this.room.look();
    return all;
  }

  /** Takes all that are tied to these seats. */
  drainTied(isOf: (seat: number) => boolean): Task[] {
    const all = this.#tied.flatMap((queue, seat) => (isOf(seat) ? [...queue.drain()] : []));
    this.#tiedSize -= all.length;
    this.room.look();
    return all;
  }

  /** Sends those that are tied to a seat, unless somebody who may go anywhere came before them. */
  #pumpTied(workerFor: (task: Task) => PoolWorker | null, send: (worker: PoolWorker, task: Task) => void): boolean {
    let progress = false;
    for (const queue of this.#tied) {
      const task = queue.peek();
      if (task === undefined) continue;
      const other = this.#free.peek();
      const worker = workerFor(task);
      if (worker === null || (other !== undefined && isBefore(other, task) && workerFor(other) === worker)) continue;
      queue.pop();
      this.#tiedSize -= 1;
      send(worker, task);
      progress = true;
    }
    return progress;
  }

  #queueOf(task: Task): TaskQueue<Task> {
    return task.seat < 0 ? this.#free : (this.#tied[task.seat] as TaskQueue<Task>);
  }
}
