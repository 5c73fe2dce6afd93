// Numbers, words and addresses as the control protocol writes them.
#include "port.h"

static char *put_hex_group(char *end, u16 value) {
  for (int shift = 12; shift >= 0; shift -= 4) *end++ = "0123456789abcdef"[value >> shift & 15];
  return end;
}

// At most 47 characters.
char *put_endpoint(char *end, const union endpoint *endpoint) {
  if (endpoint->any.family == AF_INET6) {
    const u8 *bytes = endpoint->v6.sin6_addr.s6_addr;
    for (int i = 0; i < 16; i += 2) {
      *end++ = i ? ':' : '[';
      end = put_hex_group(end, (u16)(bytes[i] << 8 | bytes[i + 1]));
    }
    end = put_text(end, "]:");
    return put_number(end, network_order(endpoint->v6.sin6_port), 1);
  }
  const u8 *bytes = (const u8 *)&endpoint->v4.sin_addr;
  for (int i = 0; i < 4; i++) {
    if (i) *end++ = '.';
    end = put_number(end, bytes[i], 1);
  }
  *end++ = ':';
  return put_number(end, network_order(endpoint->v4.sin_port), 1);
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

int parse_number(const char *word, u64 limit, u64 *value) {
  if (!*word) return 0;
  *value = 0;
  for (; *word; word++) {
    if (*word < '0' || *word > '9') return 0;
    *value = *value * 10 + (u64)(*word - '0');
    if (*value > limit) return 0;
  }
  return 1;
}

// Reads digits of one base up to `stop`; returns what follows it, or 0.
static const char *parse_field(const char *at, u32 base, u32 limit, char stop, u32 *value) {
  const char *start = at;
  *value = 0;
  for (;; at++) {
    u32 digit;
    if (*at >= '0' && *at <= '9') digit = (u32)(*at - '0');
    else if (base == 16 && *at >= 'a' && *at <= 'f') digit = (u32)(*at - 'a') + 10;
    else break;
    *value = *value * base + digit;
    if (*value > limit) return 0;
  }
  return at > start && *at == stop ? at + 1 : 0;
}

// "127.0.0.1:80" or an IPv6 address with its eight groups written out: "[0000:…:0001]:80".
int parse_endpoint(const char *word, union endpoint *endpoint) {
  *endpoint = (union endpoint){0};
  u32 field = 0;
  if (*word == '[') {
    word++;
    for (int i = 0; i < 8; i++) {
      word = parse_field(word, 16, 0xffff, i < 7 ? ':' : ']', &field);
      if (!word) return 0;
      endpoint->v6.sin6_addr.s6_addr[2 * i] = (u8)(field >> 8);
      endpoint->v6.sin6_addr.s6_addr[2 * i + 1] = (u8)field;
    }
    if (*word++ != ':' || !parse_field(word, 10, 65535, 0, &field)) return 0;
    endpoint->v6.sin6_family = AF_INET6;
    endpoint->v6.sin6_port = network_order((u16)field);
    return 1;
  }
  u8 *bytes = (u8 *)&endpoint->v4.sin_addr;
  for (int i = 0; i < 4; i++) {
    word = parse_field(word, 10, 255, i < 3 ? '.' : ':', &field);
    if (!word) return 0;
    bytes[i] = (u8)field;
  }
  if (!parse_field(word, 10, 65535, 0, &field)) return 0;
  endpoint->v4.sin_family = AF_INET;
  endpoint->v4.sin_port = network_order((u16)field);
  return 1;
}

u32 endpoint_bytes(const union endpoint *endpoint) {
  return endpoint->any.family == AF_INET6 ? sizeof endpoint->v6 : sizeof endpoint->v4;
}
