"""The portal: pages and the pull API over the published marts and the library of reports.

What a reader may see is decided by PostgreSQL alone: each request is one read-only transaction under the reader's role
(`database.ask`). This package signs people in, checks machines' tokens, keeps both from harm and shows what came back.
Nothing here filters rows by role.
"""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning

# Of libraries it stands on, and for whoever upgrades it: nothing that who runs the portal could mend.
warnings.simplefilter("ignore", AuthlibDeprecationWarning)
