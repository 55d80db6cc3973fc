"""What is wrong in an installation, found and told: the monitor behind ``mybizz fleet watch``.

``looking`` gathers what can be seen of instances, their server, their databases and the machine;
``checks_*`` turn that into findings of the rules in ``rules``; ``store`` keeps the alerts that come
of them; ``telling`` and ``channels`` send them; ``monitor`` does it all again and again.
"""
