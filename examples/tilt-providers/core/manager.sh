# Keeps who reported, and answers with the list.
main() {
    mkdir -p /tmp/www/cgi-bin /tmp/providers
    cat >/tmp/www/cgi-bin/providers <<'CGI'
#!/bin/sh
[ "${REQUEST_METHOD:-GET}" = GET ] || { read -r name version word; echo "$name $version $word" >"/tmp/providers/$name"; }
printf 'Content-Type: text/plain\r\n\r\n'
cat /tmp/providers/* 2>/dev/null || true
CGI
    chmod +x /tmp/www/cgi-bin/providers
    log "open on port 8080, $*"
    exec httpd -f -p 8080 -h /tmp/www
}
