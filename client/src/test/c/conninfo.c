/*
 * Asks libpq how it reads connection strings. One string per line on stdin, its backslashes,
 * tabs, line feeds, vertical tabs, form feeds and carriage returns written \\ \t \n \v \f \r; on stdout one line per string in
 * the same writing: keyword=value for each keyword it sets, tabs between, or ! and libpq's complaint.
 * The first line of the output is the version of libpq.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char plain[] = "\\\t\n\v\f\r";
static const char letter[] = "\\tnvfr";

static void unescape(char *s) {
  char *to = s;
  for (; *s; s++) {
    if (*s == '\n') break;
    if (*s == '\\' && s[1]) {
      const char *at = strchr(letter, *++s);
      *to++ = at ? plain[at - letter] : *s;
    } else {
      *to++ = *s;
    }
  }
  *to = 0;
}

static void escape(const char *s) {
  for (; *s; s++) {
    const char *at = strchr(plain, *s);
    if (at) {
      putchar('\\');
      putchar(letter[at - plain]);
    } else {
      putchar(*s);
    }
  }
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  printf("%d\n", PQlibVersion());
  while (getline(&line, &size, stdin) > 0) {
    char *error = NULL;
    unescape(line);
    PQconninfoOption *options = PQconninfoParse(line, &error);
    if (options == NULL) {
      size_t end = error ? strlen(error) : 0;
      while (end > 0 && error[end - 1] == '\n') error[--end] = 0;
      printf("! ");
      escape(error ? error : "");
      PQfreemem(error);
    } else {
      const char *tab = "";
      for (PQconninfoOption *option = options; option->keyword; option++) {
        if (option->val == NULL) continue;
        printf("%s%s=", tab, option->keyword);
        escape(option->val);
        tab = "\t";
      }
      PQconninfoFree(options);
    }
    putchar('\n');
  }
  free(line);
  return 0;
}
