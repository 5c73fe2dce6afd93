// Reads a plan and believes nothing: after check_plan every offset, length, slot and list is inside its bounds,
// so that the steps need no check of their own. Pure: no system call, which is how the fuzz test can run it.
#include "plan.h"

struct kind {
  const char *name;
  const char *arguments;
};

static const struct kind kinds[] = {
#define X(number, name, arguments) [number] = {#name, arguments},
    STEP_KINDS(X)
#undef X
};

static const struct kind *kind_of(u16 number) {
  return number < COUNT(kinds) && kinds[number].name ? &kinds[number] : NULL;
}
const char *step_name(u16 kind) { return kind_of(kind) ? kind_of(kind)->name : NULL; }
const char *step_arguments(u16 kind) { return kind_of(kind) ? kind_of(kind)->arguments : NULL; }

// Offsets must lie behind the steps: a text that overlaps them would still be safe, but no honest encoder makes one.
static int inside(const struct plan *plan, u32 offset, u64 length) {
  const u64 first = sizeof(struct plan_header) + (u64)plan->count * sizeof(struct step);
  return offset >= first && offset + length <= plan->size;
}

static u32 entry(const struct plan *plan, u32 offset, u32 index) {
  u32 value;
  copy(&value, plan->bytes + offset + 4 * (usize)index, 4);
  return value;
}

static int texts_inside(const struct plan *plan, u32 offset, u32 count) {
  if (count > LIST_MAX || !inside(plan, offset, 4 * (u64)count)) return 0;
  for (u32 i = 0; i < count; i++)
    if (!inside(plan, entry(plan, offset, i), 1)) return 0;
  return 1;
}

static int arguments_inside(const struct plan *plan, const struct step *step, const char *arguments) {
  u32 at = 0;
  for (; *arguments; arguments++) {
    const u32 first = step->arg[at++];
    switch (*arguments) {
      case 's': if (!inside(plan, first, 1)) return 0; break;
      case 't': if (first && !inside(plan, first, 1)) return 0; break;
      case 'f': if (first >= SLOTS) return 0; break;
      case 'b': if (!inside(plan, first, step->arg[at++])) return 0; break;
      case 'v': if (!texts_inside(plan, first, step->arg[at++])) return 0; break;
      case 'q': at++; break;
    }
  }
  for (; at < STEP_ARGUMENTS; at++)
    if (step->arg[at]) return 0; // an argument this version does not know
  return 1;
}

static int refuse(struct refusal *refusal, u32 step, i32 error) {
  refusal->step = step;
  refusal->error = error;
  return 0;
}

int check_plan(const u8 *bytes, usize size, struct plan *plan, struct refusal *refusal) {
  struct plan_header header;
  if (size < sizeof header + sizeof(struct step) || size > PLAN_MAX) return refuse(refusal, ~0u, EINVAL);
  copy(&header, bytes, sizeof header);
  if (header.magic != PLAN_MAGIC || header.reserved) return refuse(refusal, ~0u, EBADMSG);
  if (header.version != PLAN_VERSION) return refuse(refusal, ~0u, EPROTO);
  if (header.size != size || bytes[size - 1] != 0 || header.steps == 0) return refuse(refusal, ~0u, EINVAL);
  if (sizeof header + (u64)header.steps * sizeof(struct step) > size) return refuse(refusal, ~0u, EINVAL);

  plan->bytes = bytes;
  plan->steps = (const struct step *)(bytes + sizeof header);
  plan->count = header.steps;
  plan->size = (u32)size;
  for (u32 i = 0; i < plan->count; i++) {
    const struct step *step = &plan->steps[i];
    const struct kind *kind = kind_of(step->kind);
    if (!kind) return refuse(refusal, i, ENOSYS);
    if (step->flags & ~STEP_MAY_FAIL) return refuse(refusal, i, EINVAL);
    if (!arguments_inside(plan, step, kind->arguments)) return refuse(refusal, i, EFAULT);
    if (step->kind == STEP_CLONE && (u64)i + step->arg[2] >= plan->count) return refuse(refusal, i, EINVAL);
  }
  const u16 last = plan->steps[plan->count - 1].kind;
  if (last != STEP_EXEC && last != STEP_WAIT_PLAN && last != STEP_BEGIN) return refuse(refusal, plan->count - 1, EINVAL);
  return 1;
}

void plan_texts(const struct plan *plan, u32 offset, u32 count, const char **list) {
  for (u32 i = 0; i < count; i++) list[i] = plan_text(plan, entry(plan, offset, i));
  list[count] = NULL;
}
