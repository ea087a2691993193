# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
from setuptools import setup

setup(
    name="nova",
    version="14.1.0+standin",
    description="A stand-in for Nova 14 in the lab of stackops.glance; not Nova",
    license="GPL-3.0-or-later",
    packages=["nova_standin"],
    install_requires=["oslo.config", "python-glanceclient", "keystoneauth1"],
    entry_points={"console_scripts": [
        "nova-api = nova_standin.service:main",
        "nova-compute = nova_standin.service:main",
    ]},
)
