/** Where routing daemons have their sockets unless they are told otherwise. */
export const FRR_DIRECTORY = '/run/frr';
export const BIRD_SOCKET = '/run/bird/bird.ctl';
