#pragma once
// Serves launches on descriptor 3 until it ends; `lock` may be NULL. Returns the exit code.
int spawner(const char *lock);
