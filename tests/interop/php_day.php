<?php
// A web page's day with PHP's imap extension, which is UW's c-client.
[, $port] = $argv;
$server = "{127.0.0.1:$port/imap/notls}";
function must($done) {
    if ($done === false) {
        fwrite(STDERR, "failed: " . json_encode(imap_errors()) . "\n");
        exit(1);
    }
    return $done;
}
$box = must(imap_open($server . "INBOX", "alice", "wonderland"));
$seen = ["version" => phpversion("imap"), "messages" => imap_num_msg($box)];
$seen["overview"] = array_map(fn($each) => $each->subject, must(imap_fetch_overview($box, "1:*")));
$seen["body"] = must(imap_fetchbody($box, 2, "1"));
$seen["structure"] = must(imap_fetchstructure($box, 1))->subtype;
$seen["found"] = must(imap_search($box, 'SUBJECT "three"', SE_UID));
$seen["sorted"] = must(imap_sort($box, SORTSUBJECT, true, SE_UID));
$seen["thread"] = count(must(imap_thread($box)));
must(imap_setflag_full($box, "1", "\\Flagged"));
must(imap_createmailbox($box, $server . "Kept"));
must(imap_subscribe($box, $server . "Kept"));
must(imap_mail_copy($box, "1", "Kept"));
must(imap_mail_move($box, "3", "Kept"));
must(imap_expunge($box));
must(imap_append($box, $server . "INBOX", "Subject: four\r\n\r\nbody\r\n", "\\Draft"));
must(imap_renamemailbox($box, $server . "Kept", $server . "Away"));
$seen["status"] = must(imap_status($box, $server . "Away", SA_ALL))->messages;
$seen["mailboxes"] = str_replace($server, "", must(imap_list($box, $server, "Aw*")));
imap_close($box);
echo json_encode($seen);
