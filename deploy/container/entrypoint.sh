#!/bin/sh
# Started as root, takes over the mounted data folder, joins the group of the Docker socket, and goes on as a user without any
# privilege. Started as somebody else (--user, runAsUser), goes on as that.
set -eu

if [ "$(id -u)" = 0 ]; then
  home=$(dirname "$JOB_DATA_DIR")
  mkdir -p "$JOB_DATA_DIR"
  # A folder that belongs to a person on the host stays theirs, and they can read and remove what is in it.
  owner=$(stat -c %u:%g "$JOB_DATA_DIR")
  [ "${owner%:*}" != 0 ] || owner=$(stat -c %u:%g "$home")
  [ "${owner%:*}" != 0 ] || owner=10001:10001
  # No link is followed: what is in the folder came from jobs.
  [ "$(stat -c %u "$JOB_DATA_DIR")" = "${owner%:*}" ] || chown -hR "$owner" "$JOB_DATA_DIR"
  chown -h "$owner" "$home"

  groups=--clear-groups
  case ${DOCKER_HOST:-unix:///var/run/docker.sock} in
    unix://*)
      socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
      socket=${socket#unix://}
      [ ! -S "$socket" ] || groups=--groups=$(stat -c %g "$socket")
      ;;
  esac
  exec setpriv --reuid="${owner%:*}" --regid="${owner#*:}" "$groups" --inh-caps=-all --no-new-privs "$0" "$@"
fi

exec job-runner "$@"
