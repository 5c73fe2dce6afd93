// The log pump: reads the instance's output, writes it line by line in the CRI format that Kubernetes uses
//   2026-11-21T05:00:00.123456789Z stdout F text
// (P instead of F: the line goes on in the next entry), and rotates the file by size. It must outlast everything: a
// full disk costs log lines, which are counted, never the instance; a file or a folder that somebody deleted costs what was
// in it, and is made anew.
#include "supervise.h"

#include <linux/fcntl.h>
#include <linux/stat.h>

#define INPUT 32768
#define OUTPUT 65536
#define HEAD 48 // more than the longest "time stream tag " needs
#define TICK_MS 10
#define MOST_PER_TICK 1280000 // 128 MB/s: empty lines become fifty times as long here, and no limit of the instance counts that

struct stream {
  const char *name;
  u32 fill;
  u32 midline; // its last entry was a P
};

static struct {
  i32 folder, file;
  char base[200];
  u64 size, max_bytes;
  u32 files, max_line;
  u64 dropped, dropped_before; // all in all; before the last note about it
  i32 problem;                 // errno of the last failed write or open
  u32 unopened;                // the last open failed,
  u64 retry_second;            // in this second
  u64 looked_second;           // when it was last looked whether the file is there still
  u32 deleted;                 // it was not, which is to be told
  u32 torn, dirty;
  u32 step;
  u64 written, tick; // bytes beyond what the ticks until now allowed, when last looked
} log = {.folder = -1, .file = -1};

static struct stream streams[2] = {{"stdout", 0, 0}, {"stderr", 0, 0}};
i32 log_streams[2] = {-1, -1};
static char input[2][INPUT] __attribute__((aligned(4096)));
static char output[OUTPUT] __attribute__((aligned(4096)));
static usize used;
static char stamp[32];
static u64 stamp_second = ~0ull;

static void open_file(void);
static void rotate(void);
static void flush(void);

// LOG folder name maxBytes rotatedFiles maxLineBytes
long step_log(const struct step *step) {
  const char *base = plan_text(&launch.plan, step->arg[1]);
  if (length_of(base) >= sizeof log.base) return -ENAMETOOLONG;
  const long folder = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[0]), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (failed(folder)) return folder;
  close_fd(log.folder), close_fd(log.file);
  log.folder = (i32)folder, log.file = -1;
  copy(log.base, base, length_of(base) + 1);
  log.max_bytes = wide(&step->arg[2]);
  log.files = step->arg[4];
  log.max_line = step->arg[5] < 256 ? 256 : step->arg[5] > INPUT - 1 ? INPUT - 1 : step->arg[5];
  log.step = launch.next, log.problem = 0, log.unopened = 0;
  if (log_streams[0] >= 0) return log_begin(); // a slot that is handed over keeps its pipes
  for (int i = 0; i < 2; i++) {
    i32 ends[2];
    const long made = sys(pipe2, ends, O_CLOEXEC);
    if (failed(made)) return made;
    sys(fcntl, ends[0], F_SETFL, O_NONBLOCK);
    sys(fchmod, ends[1], 0622); // ours to read; the program may open /dev/stdout again as the user it is
    log_streams[i] = ends[0];
    launch.stdio[i + 1] = ends[1];
  }
  return 0;
}

// The file itself is opened beside the children, who do not need it.
long log_begin(void) {
  if (log.folder < 0) return 0;
  open_file();
  return log.file < 0 ? -log.problem : 0;
}

u32 log_step(void) { return log.step; }

void log_forget(void) {
  close_fd(log.folder), close_fd(log.file);
  for (int i = 0; i < 2; i++) close_fd(log_streams[i]), log_streams[i] = -1;
}

u64 log_dropped(void) { return log.dropped; }

// ---- time ----

// Days since 1970 to a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
static char *put_date(char *end, u64 days) {
  const u64 shifted = days + 719468, era = shifted / 146097, day_of_era = shifted % 146097;
  const u64 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const u64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const u64 shifted_month = (5 * day_of_year + 2) / 153;
  const u64 month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  end = put_text(put_number(end, year_of_era + era * 400 + (month <= 2), 4), "-");
  end = put_text(put_number(end, month, 2), "-");
  return put_number(end, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2);
}

// One clock read per chunk: every line of it gets this stamp. The date part changes only with the second.
static void take_stamp(void) {
  const u64 now = clock_ns(REALTIME), second = now / 1000000000;
  if (second != stamp_second) {
    stamp_second = second;
    char *end = put_text(put_date(stamp, second / 86400), "T");
    end = put_text(put_number(end, second / 3600 % 24, 2), ":");
    end = put_text(put_number(end, second / 60 % 60, 2), ":");
    put_text(put_number(end, second % 60, 2), ".");
  }
  put_bytes(put_number(stamp + 20, now % 1000000000, 9), STR("Z"));
}

// ---- entries ----

static void entry(struct stream *stream, const char *text, usize length, int full) {
  if (used + HEAD + length + 1 > OUTPUT) flush();
  const u64 size = log.size + used + HEAD + length + 1;
  // Not inside a line, unless that line alone has outgrown the file.
  if (size > log.max_bytes && log.size + used && (!(streams[0].midline | streams[1].midline) || size > log.max_bytes * 2))
    flush(), rotate();
  char *end = put_bytes(output + used, stamp, 30);
  end = put_bytes(put_text(put_bytes(end, STR(" ")), stream->name), full ? " F " : " P ", 3);
  end = put_bytes(put_bytes(end, text, length), STR("\n"));
  used = (usize)(end - output);
  stream->midline = !full;
}

// Up to `length` bytes that end with a whole character of UTF-8; all of them when it is something else.
static usize whole_characters(const char *text, usize length) {
  for (usize back = 1; back <= 3 && back < length; back++) {
    const u8 byte = (u8)text[length - back];
    if (byte < 0x80) break;
    if (byte < 0xc0) continue; // goes on with an earlier one
    return back < (byte < 0xe0 ? 2u : byte < 0xf0 ? 3u : 4u) ? length - back : length;
  }
  return length;
}

void log_read(int index, u32 limit) {
  struct stream *stream = &streams[index];
  char *buffer = input[index];
  for (u32 done = 0; done < limit;) {
    if (log_streams[index] < 0) return;
    const long got = sys(read, log_streams[index], buffer + stream->fill, INPUT - stream->fill);
    if (got == -EINTR) continue;
    if (got == -EAGAIN) return;
    take_stamp();
    if (got <= 0) { // every writer is gone
      if (stream->fill) entry(stream, buffer, stream->fill, 1);
      stream->fill = 0;
      flush();
      close_fd(log_streams[index]), log_streams[index] = -1;
      return;
    }
    log.dirty = 1;
    done += (u32)got;
    usize from = 0, seen = stream->fill;
    const usize end = stream->fill + (usize)got;
    for (;;) {
      const usize line = find_byte(buffer, seen, end, '\n');
      while (line - from > log.max_line) {
        const usize part = whole_characters(buffer + from, log.max_line);
        entry(stream, buffer + from, part, 0);
        from += part;
      }
      if (line == end) break;
      entry(stream, buffer + from, line - from, 1);
      from = seen = line + 1;
    }
    stream->fill = (u32)(end - from);
    if (from) __builtin_memmove(buffer, buffer + from, stream->fill);
    flush();
    if ((usize)got < INPUT / 2) return; // the pipe was empty just now: back to the poll loop
  }
}

// How long its programs must wait before more is read: they filled the file faster than they may.
int log_rest_ms(void) {
  if (log.written < MOST_PER_TICK) return 0;
  const u64 now_ms = clock_ns(MONOTONIC) / 1000000, tick = now_ms / TICK_MS, allowed = (tick - log.tick) * MOST_PER_TICK;
  log.tick = tick;
  log.written = log.written > allowed ? log.written - allowed : 0;
  return log.written < MOST_PER_TICK ? 0 : (int)(TICK_MS - now_ms % TICK_MS);
}

int log_restless(void) { return log.dirty || streams[0].fill || streams[1].fill; }

// A prompt without a line end becomes visible after a second, and a quiet supervisor gives its buffers back.
void log_idle(void) {
  take_stamp();
  for (int i = 0; i < 2; i++) {
    if (!streams[i].fill) continue;
    const u32 part = (u32)whole_characters(input[i], streams[i].fill);
    entry(&streams[i], input[i], part, 0);
    streams[i].fill -= part; // the rest of a character may come, and does not wait a third time
    __builtin_memmove(input[i], input[i] + part, streams[i].fill);
  }
  flush();
  if (streams[0].fill || streams[1].fill) return;
  if (log.dirty) {
    sys(madvise, input, sizeof input, 4 /* MADV_DONTNEED */);
    sys(madvise, output, sizeof output, 4);
  }
  log.dirty = 0;
}

void log_close(void) {
  take_stamp();
  for (int i = 0; i < 2; i++)
    if (streams[i].fill) entry(&streams[i], input[i], streams[i].fill, 1), streams[i].fill = 0;
  flush();
}

// ---- the file ----

static void note_dropped(void) {
  static char note[160]; // not in `output`, which is full of what comes after it
  char *end = put_bytes(note, log.torn ? "\n" : "", log.torn);
  end = put_bytes(put_bytes(end, stamp, 30), STR(" stderr F [constellation] "));
  end = put_text(put_number(end, log.dropped - log.dropped_before, 1), " bytes of log were dropped here: errno ");
  end = put_text(put_number(end, (u64)log.problem, 1), "\n");
  const long written = retry(sys(write, log.file, note, end - note));
  if (failed(written)) return;
  log.size += (u64)written;
  log.torn = written != end - note;
  if (!log.torn) log.dropped_before = log.dropped;
}

static void note_deleted(void) {
  static char note[100];
  char *end = put_bytes(note, stamp, 30);
  end = put_text(end, " stderr F [constellation] somebody deleted the log that was here\n");
  log.deleted = 0;
  const long written = retry(sys(write, log.file, note, end - note));
  if (!failed(written)) log.size += (u64)written, log.torn = written != end - note;
}

// Lines that are written to a file without a name are read by nobody: looked for once a second, while something is written.
static void look_after_file(void) {
  struct statx found;
  log.looked_second = stamp_second;
  if (supervisor.phase != PHASE_RUNNING) return;
  if (failed(sys(statx, log.file, "", AT_EMPTY_PATH, STATX_NLINK, &found)) || found.stx_nlink) return;
  close_fd(log.file);
  log.file = -1, log.size = 0, log.torn = 0, log.deleted = 1;
}

// A deleted folder is made where it was: proc(5) tells its path, with a mark behind it.
static void make_folder(void) {
  static const char mark[] = " (deleted)";
  char link[40], path[4096];
  *put_number(put_text(link, "/proc/self/fd/"), (u64)log.folder, 1) = 0;
  const long length = sys(readlinkat, AT_CWD, link, path, sizeof path - 1), end = length - (long)(sizeof mark - 1);
  if (failed(length) || end <= 0 || memcmp(path + end, mark, sizeof mark - 1)) return;
  path[end] = 0;
  sys(mkdirat, AT_CWD, path, 0750);
  const long folder = sys(openat, AT_CWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (failed(folder)) return;
  close_fd(log.folder);
  log.folder = (i32)folder, log.deleted = 1;
}

static void drop(usize bytes, i32 error) {
  log.dropped += bytes;
  if (error) log.problem = error;
}

static void flush(void) {
  const usize length = used;
  used = 0;
  if (!length) return;
  log.written += length;
  if (log.folder < 0) return;
  if (log.file >= 0 && log.looked_second != stamp_second) look_after_file();
  if (log.file < 0) open_file();
  if (log.file < 0) return drop(length, 0);
  if (log.deleted) note_deleted();
  if (log.dropped > log.dropped_before || log.torn) note_dropped();
  if (log.dropped > log.dropped_before || log.torn) return drop(length, 0); // still no room
  for (usize at = 0; at < length;) {
    const long written = retry(sys(write, log.file, output + at, length - at));
    if (written <= 0) {
      log.torn = at > 0;
      return drop(length - at, written ? (i32)-written : EIO);
    }
    at += (usize)written, log.size += (u64)written;
  }
}

// The last byte of a file from before may lack its line end (a crash of the machine): the next entry starts afresh.
static void open_file(void) {
  const u64 second = clock_ns(MONOTONIC) / 1000000000;
  if (log.unopened && second == log.retry_second) return;
  log.retry_second = second;
  const int how = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  long fd = sys(openat, log.folder, log.base, how, 0640);
  if (fd == -ENOENT && supervisor.phase == PHASE_RUNNING) {
    make_folder();
    fd = sys(openat, log.folder, log.base, how, 0640);
  }
  log.unopened = failed(fd);
  if (log.unopened) {
    log.problem = (i32)-fd;
    return;
  }
  log.file = (i32)fd;
  const long size = sys(lseek, fd, 0, 2);
  log.size = size > 0 ? (u64)size : 0;
  char last = '\n';
  if (log.size) sys(pread64, fd, &last, 1, log.size - 1);
  if (last != '\n' && write_all((i32)fd, "\n", 1) == 0) log.size++;
}

static void numbered(char *name, u32 number) {
  char *end = put_text(name, log.base);
  if (number) end = put_number(put_text(end, "."), number, 1);
  *end = 0;
}

// log -> log.1 -> … -> log.N -> gone
static void rotate(void) {
  char from[216], to[216];
  for (u32 number = log.files;; number++) { // there may be more, of a time when more were kept
    numbered(to, number);
    if (failed(sys(unlinkat, log.folder, to, 0))) break;
  }
  for (u32 number = log.files; number > 0; number--) {
    numbered(from, number - 1);
    numbered(to, number);
    sys(renameat2, log.folder, from, log.folder, to, 0);
  }
  close_fd(log.file);
  log.file = -1, log.size = 0, log.torn = 0;
  open_file();
}
