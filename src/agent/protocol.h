/* SPDX-License-Identifier: ISC */
/*
 * What berthd's processes say to each other: the kinds of frames over a child's socket (descriptor 3), and who sends them. Payloads are
 * JSON objects but for rows, which are packed records. Descriptor 4 of a worker is an eventfd: readable when its present step
 * should stop; only the supervisor writes and drains it, so a stop can neither be lost nor hit the next step.
 */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#define CHILD_SOCKET_FD 3
#define CHILD_STOP_FD 4

enum frame_kind {
    /* supervisor to child */
    FRAME_SETUP = 'S',   /* {"text","commit"}: the policy in force */
    FRAME_TASK = 'T',    /* worker: one step, see task.h */
    FRAME_STORED = 'A',  /* worker: {"step"}: its result is committed */
    FRAME_DELIVER = 'D', /* notifier: {"delivery": its row,"within_ms"} */
    FRAME_KEEP =
        'K', /* keeper, an answer to FRAME_PINS: {"release":[names],"take":[[name,commit]],"forget": nothing needs the repository} */
    FRAME_ASK = 'Q', /* all but workers: are you there? Answered by FRAME_HERE between two things they do */
    /* child to supervisor */
    FRAME_RESULT = 'R',   /* worker: a step_result as JSON */
    FRAME_LEAVING = 'E',  /* worker, before its result: it ends after it, nothing more can be given to it */
    FRAME_PROGRESS = 'P', /* worker: {"step","percent","text"} */
    FRAME_INNER =
        'I', /* worker: {"step","token","parts":[{"address","kind","status","text"}]}: inner parts of its resource */
    FRAME_WAITING = 'U',  /* worker: {"step","token","reason"}: it waits for what somebody else holds; "": it goes on */
    FRAME_BRANCHES = 'B', /* observer: packed branch rows, one after the other */
    FRAME_LISTED =
        'G', /* observer: {"repository","provider","url","complete","default_branch","error","count","took_ms","missing":[…]}, or
                {"repository","unchanged"}: the last listing still holds */
    FRAME_SWEEPING = 'W', /* observer: {"repository"}: it looks there now; "": it is done and waits */
    FRAME_POLICY = 'Y',   /* observer: {"repository","ref","commit","path","text","error"} */
    FRAME_OBSERVED =
        'O', /* observer: {"at","took_ms","count" of all probes,"seen":[{"resource","status","reason","ready"}]} */
    FRAME_PINS = 'M', /* keeper: {"repository","pins":[[name,commit]]} */
    FRAME_KEPT =
        'V', /* keeper: {"repository","done": in words,"error"}: what an order without a release came to; of no repository: that was all */
    FRAME_HERE = 'H',
    FRAME_DELIVERED = 'N', /* notifier: {"delivery","done","retry","error"} */
};

#endif
