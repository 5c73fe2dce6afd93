// Numbers, words and addresses as the control protocol writes them.
#include "port.h"

void put(struct text *text, const char *string) {
  while (*string && text->at < text->end) *text->at++ = *string++;
}

void put_number(struct text *text, uint64_t value) {
  char digits[21];
  char *at = digits + 20;
  *at = 0;
  do *--at = '0' + value % 10;
  while (value /= 10);
  put(text, at);
}

static void put_hex_group(struct text *text, uint16_t value) {
  char digits[5];
  for (int i = 0; i < 4; i++) digits[i] = "0123456789abcdef"[value >> (12 - 4 * i) & 15];
  digits[4] = 0;
  put(text, digits);
}

void put_endpoint(struct text *text, const union endpoint *endpoint) {
  if (endpoint->any.sa_family == AF_INET6) {
    const uint8_t *bytes = endpoint->v6.sin6_addr.s6_addr;
    for (int i = 0; i < 16; i += 2) {
      put(text, i ? ":" : "[");
      put_hex_group(text, bytes[i] << 8 | bytes[i + 1]);
    }
    put(text, "]:");
    put_number(text, ntohs(endpoint->v6.sin6_port));
    return;
  }
  const uint8_t *bytes = (const uint8_t *)&endpoint->v4.sin_addr;
  for (int i = 0; i < 4; i++) {
    if (i) put(text, ".");
    put_number(text, bytes[i]);
  }
  put(text, ":");
  put_number(text, ntohs(endpoint->v4.sin_port));
}

// Cuts the next word off the line; 0 when none is left.
char *next_word(char **line) {
  char *word = *line;
  while (*word == ' ') word++;
  if (!*word) return 0;
  char *end = word;
  while (*end && *end != ' ') end++;
  *line = *end ? end + 1 : end;
  *end = 0;
  return word;
}

int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

int parse_number(const char *word, uint64_t limit, uint64_t *value) {
  if (!*word) return 0;
  *value = 0;
  for (; *word; word++) {
    if (*word < '0' || *word > '9') return 0;
    *value = *value * 10 + (uint64_t)(*word - '0');
    if (*value > limit) return 0;
  }
  return 1;
}

// Reads digits of one base up to `stop`; returns what follows it, or 0.
static const char *parse_field(const char *at, unsigned base, uint32_t limit, char stop, uint32_t *value) {
  const char *start = at;
  *value = 0;
  for (;; at++) {
    unsigned digit;
    if (*at >= '0' && *at <= '9') digit = (unsigned)(*at - '0');
    else if (base == 16 && *at >= 'a' && *at <= 'f') digit = (unsigned)(*at - 'a') + 10;
    else break;
    *value = *value * base + digit;
    if (*value > limit) return 0;
  }
  return at > start && *at == stop ? at + 1 : 0;
}

// "127.0.0.1:80" or an IPv6 address with its eight groups written out: "[0000:…:0001]:80".
int parse_endpoint(const char *word, union endpoint *endpoint) {
  *endpoint = (union endpoint){0};
  uint32_t field = 0;
  if (*word == '[') {
    word++;
    for (int i = 0; i < 8; i++) {
      word = parse_field(word, 16, 0xffff, i < 7 ? ':' : ']', &field);
      if (!word) return 0;
      endpoint->v6.sin6_addr.s6_addr[2 * i] = field >> 8;
      endpoint->v6.sin6_addr.s6_addr[2 * i + 1] = field & 255;
    }
    if (*word++ != ':' || !parse_field(word, 10, 65535, 0, &field)) return 0;
    endpoint->v6.sin6_family = AF_INET6;
    endpoint->v6.sin6_port = htons(field);
    return 1;
  }
  uint8_t *bytes = (uint8_t *)&endpoint->v4.sin_addr;
  for (int i = 0; i < 4; i++) {
    word = parse_field(word, 10, 255, i < 3 ? '.' : ':', &field);
    if (!word) return 0;
    bytes[i] = field;
  }
  if (!parse_field(word, 10, 65535, 0, &field)) return 0;
  endpoint->v4.sin_family = AF_INET;
  endpoint->v4.sin_port = htons(field);
  return 1;
}

unsigned endpoint_bytes(const union endpoint *endpoint) {
  return endpoint->any.sa_family == AF_INET6 ? sizeof endpoint->v6 : sizeof endpoint->v4;
}
