# shellcheck shell=bash
# Shared by the scripts that run Apache Kafka or its Connect worker. Source it; it runs nothing by itself.
# Needs bash 4 or newer.

KAFKA_VERSION=4.3.1
# Where the jars are kept between runs. Nothing else is written there, so it may be deleted at any time.
KAFKA_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/ferroconnect/kafka-$KAFKA_VERSION"
KAFKA_LIBS="$KAFKA_CACHE/libs"
# A plugin.path for the Java worker: one folder per connector, outside the class path, as Kafka asks for.
KAFKA_JAVA_PLUGINS="$KAFKA_CACHE/plugins"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# Installs Debian packages when that is possible; otherwise says what to install and ends.
# usage: install_packages WHAT PACKAGE...
install_packages() {
  local what=$1
  shift
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "$what is missing. Install it (on Debian: apt-get install $*) and run this again."
  fi
  say "installing $* with apt-get, because $what is missing"
  {
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  } >&2 </dev/null || die "apt-get could not install $*"
}

# Kafka 4 needs Java 17 or newer. The tests compile small Java judges, so the compiler is asked for too.
need_java() {
  command -v javac >/dev/null || install_packages "a Java 17 development kit" default-jdk-headless
  local major
  major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ] || die "java on PATH is version ${major:-unknown}; Kafka $KAFKA_VERSION needs 17 or newer"
}

pom() {
  cat <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ferroconnect</groupId><artifactId>dev-kafka</artifactId><version>1</version>
  <dependencies>
POM
  local artifact
  for artifact in \
    "org.apache.kafka:kafka_2.13:$KAFKA_VERSION" \
    "org.apache.kafka:kafka-tools:$KAFKA_VERSION" \
    "org.apache.kafka:connect-runtime:$KAFKA_VERSION" \
    "org.apache.kafka:connect-json:$KAFKA_VERSION" \
    "org.apache.kafka:connect-transforms:$KAFKA_VERSION" \
    "org.apache.kafka:connect-file:$KAFKA_VERSION" \
    "org.apache.kafka:connect-test-plugins:$KAFKA_VERSION" \
    org.apache.logging.log4j:log4j-slf4j-impl:2.25.4 \
    org.apache.logging.log4j:log4j-1.2-api:2.25.4 \
    com.fasterxml.jackson.dataformat:jackson-dataformat-yaml:2.21.2; do
    IFS=: read -r group name version <<<"$artifact"
    printf '    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' \
      "$group" "$name" "$version"
  done
  printf '  </dependencies>\n</project>\n'
}

# Fetches the jars once. Later calls find the stamp, which holds the POM, and do nothing.
need_jars() {
  need_java
  if [ -f "$KAFKA_CACHE/pom.xml" ] && [ "$(pom)" = "$(cat "$KAFKA_CACHE/pom.xml")" ]; then return; fi
  command -v mvn >/dev/null || install_packages Maven maven
  mkdir -p "$KAFKA_CACHE"
  local work
  work=$(mktemp -d "$KAFKA_CACHE/fetch.XXXXXX")
  say "fetching Kafka $KAFKA_VERSION and its dependencies (about 55 MB) into $KAFKA_CACHE"
  pom >"$work/pom.xml"
  mvn -q -B -Dstyle.color=never -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/libs" \
    -DincludeScope=runtime >&2 </dev/null || {
    rm -rf "$work"
    die "Maven could not fetch the Kafka $KAFKA_VERSION artifacts; its message is above"
  }
  mkdir -p "$work/plugins/connect-file"
  mv "$work/libs/connect-file-$KAFKA_VERSION.jar" "$work/plugins/connect-file/"
  rm -rf "$KAFKA_LIBS" "$KAFKA_JAVA_PLUGINS"
  mv "$work/libs" "$KAFKA_LIBS"
  mv "$work/plugins" "$KAFKA_JAVA_PLUGINS"
  mv "$work/pom.xml" "$KAFKA_CACHE/pom.xml" # last: it is the stamp
  rm -rf "$work"
}

# usage: log4j_config FILE; plain lines on standard output, the connector context as Kafka's own file prints it.
log4j_config() {
  cat >"$1" <<'LOG4J'
status=warn
rootLogger.level=info
rootLogger.appenderRef.stdout.ref=stdout
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.target=SYSTEM_ERR
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %X{connector.context}%m (%c:%L)%n
LOG4J
}

# Is something listening on this port of the loopback address?
port_open() { (exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1"); }

# Prints a port that nothing listens on now. Below the range from which Linux hands out client ports, so that no
# outgoing connection takes it between this check and its use.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
    port_open "$port" || { printf '%s\n' "$port"; return; }
  done
  die "found no free port between 15000 and 32000"
}
