/* Answers GET /ITEM with what the item costs. `prices --check` asks a running one whether it answers. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct { const char *item; int cents; } PRICES[] = {
    { "tea", 250 },
    { "coffee", 320 },
    { "biscuits", 199 },
};

static const struct sockaddr_in ADDRESS = { .sin_family = AF_INET, .sin_port = 0x401f /* 8000 */ };

static int cents_of(const char *item) {
    for (size_t i = 0; i < sizeof PRICES / sizeof *PRICES; i++)
        if (!strcmp(PRICES[i].item, item)) return PRICES[i].cents;
    return -1;
}

static void answer(int connection) {
    char request[1024], item[64] = "", body[64] = "", reply[256];
    ssize_t length = read(connection, request, sizeof request - 1);
    if (length <= 0) return;
    request[length] = 0;
    sscanf(request, "GET /%63[a-z] ", item);
    int cents = cents_of(item);
    if (cents >= 0) snprintf(body, sizeof body, "%d.%02d\n", cents / 100, cents % 100);
    int size = snprintf(reply, sizeof reply, "HTTP/1.0 %s\r\nContent-Length: %zu\r\n\r\n%s",
                        cents >= 0 ? "200 OK" : "404 Not Found", strlen(body), body);
    if (write(connection, reply, size) != size) perror("prices");
}

static void end(int signal) {
    (void)signal;
    _exit(0);
}

int main(int count, char **words) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (count > 1 && !strcmp(words[1], "--check"))
        return connect(listener, (const struct sockaddr *)&ADDRESS, sizeof ADDRESS) ? 1 : 0;
    signal(SIGTERM, end);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (const struct sockaddr *)&ADDRESS, sizeof ADDRESS) || listen(listener, 16)) {
        perror("prices");
        return 1;
    }
    puts("prices: ready");
    fflush(stdout);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        answer(connection);
        close(connection);
    }
}
