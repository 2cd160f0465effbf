"""The mail of the demo: what real mail looks like."""

from typing import Final

_PLAIN: Final = """\
From: Grace Hopper <grace@example.net>
To: Ana Moreno <ana@example.org>
Subject: The moth
Date: Tue, 9 Sep 2025 15:45:00 -0400
Message-ID: <moth-1@example.net>
Content-Type: text/plain; charset=us-ascii

Found it. It was in relay 70, panel F.

I taped it into the log book.
-- \n\
Grace
"""

_REPLY: Final = """\
From: =?UTF-8?Q?Jos=C3=A9_=C3=81lvarez?= <jose@example.com>
To: Ana Moreno <ana@example.org>
Cc: Grace Hopper <grace@example.net>
Subject: =?UTF-8?B?UmU6IFRoZSBtb3RoIPCfpos=?=
Date: Wed, 10 Sep 2025 09:02:11 +0200
Message-ID: <moth-2@example.com>
In-Reply-To: <moth-1@example.net>
References: <moth-1@example.net>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

> I taped it into the log book.

=C2=A1Qu=C3=A9 bonita! Is it still there?
"""

_NEWSLETTER: Final = """\
From: "The Relay Weekly" <news@relay.example>
To: ana@example.org
Subject: Five things that are not bugs
Date: Fri, 12 Sep 2025 06:00:00 +0000
Message-ID: <20250912.5@relay.example>
List-Id: <weekly.relay.example>
List-Unsubscribe: <https://relay.example/u/1>, <mailto:off@relay.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_relay"

--=_relay
Content-Type: text/plain; charset=utf-8

1. The light that blinks
2. The light that does not

--=_relay
Content-Type: text/html; charset=utf-8

<ol><li>The light that <b>blinks</b></li><li>The light that does not</li></ol>

--=_relay--
"""

_INVOICE: Final = """\
From: Billing <billing@panel-f.example>
To: ana@example.org
Subject: Invoice 2025-0917
Date: Wed, 17 Sep 2025 11:20:05 +0000
Message-ID: <0917@panel-f.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="mixed-0917"

This is a multi-part message in MIME format.
--mixed-0917
Content-Type: text/plain; charset=us-ascii

One relay, as ordered. The invoice is attached.

--mixed-0917
Content-Type: text/csv; name="invoice.csv"
Content-Disposition: attachment; filename="invoice.csv"
Content-Transfer-Encoding: base64

aXRlbSxxdWFudGl0eSxwcmljZQpyZWxheSwxLDcwLjAwCg==

--mixed-0917--
"""

_BOUNCE: Final = """\
From: MAILER-DAEMON@example.org (Mail Delivery System)
To: ana@example.org
Subject: Undelivered Mail Returned to Sender
Date: Thu, 18 Sep 2025 08:00:41 +0000
Message-ID: <bounce-1@example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="report"

--report
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.
.
(The line above was one dot.)

--report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; nobody@example.net
Action: failed
Status: 5.1.1

--report--
"""

# Sender of the envelope (none for a bounce), and the message.
MAIL: Final = tuple(
    (sender, text.replace("\n", "\r\n").encode())
    for sender, text in (
        ("grace@example.net", _PLAIN),
        ("jose@example.com", _REPLY),
        ("bounces+ana=example.org@relay.example", _NEWSLETTER),
        ("billing@panel-f.example", _INVOICE),
        ("", _BOUNCE),
    )
)
